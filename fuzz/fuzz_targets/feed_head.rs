#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyward_fuzz_targets::feed_head::run(input));
