//! The fuzz targets. What they compare with is in `fuzz/model`.
#![allow(dead_code, reason = "of the tests' modules only a part is needed here")]

#[path = "../../tests/it/agreement"]
mod agreement {
    pub(crate) mod asking;
    pub(crate) use keyward_fuzz_model::agreement::{dice, requests, world};
}
pub(crate) use keyward_fuzz_model::{catalogue, reference};
#[path = "../../tests/it/support"]
mod support {
    mod packed;
    pub(crate) use packed::packed;
}
pub mod targets;
