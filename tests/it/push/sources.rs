//! A file names the source of its keys, and Envoy accepts it.

use super::*;

#[test]
fn every_form_carries_it_envoy_takes_it_and_another_source_is_rejected() {
    for form in [Ecds::Json, Ecds::Yaml, Ecds::Pb] {
        let envoy = Envoy::builder().ecds(form).start();
        let desk = Desk::new();
        let (keys, source) = named(&desk, "keyward.toml");
        let (others, other) = named(&desk, "other.toml");
        assert_ne!(source, other);
        let path = envoy.ecds_file();
        let ecds = path.to_str().unwrap();
        let said = push(&keys, ecds, &[]);
        // The first push into YAML warns that the file's comments are lost.
        let is_yaml = form == Ecds::Yaml;
        assert_eq!(
            (said.code, said.err.is_empty()),
            (Some(0), !is_yaml),
            "{}",
            said.err
        );
        let revision = said.out.split(' ').nth(2).unwrap().to_owned();
        serves(&envoy, revision.parse().unwrap());
        // Envoy shows the source of its keys.
        let dump = envoy.admin("GET", "/config_dump");
        let dump = String::from_utf8_lossy(&dump.body);
        let shown = format!("\"version_info\": \"{revision} {source}\"");
        assert!(dump.contains(&shown), "{dump}");

        let before = fs::read(&path).unwrap();
        let said = push(&others, ecds, &["--allow-removals"]);
        let expected = format!(
            "keyward: {ecds} holds the keys of `{source}`, and this push is from `{other}`: nothing was written. Push from the key file with that name, or say --take-over if this one replaces it\n"
        );
        assert_eq!((said.code, said.out.as_str()), (Some(4), ""));
        assert_eq!(said.err, expected);
        assert_eq!(fs::read(&path).unwrap(), before);

        // The keys of the first source are missing, which is a separate check.
        let said = push(&others, ecds, &["--take-over"]);
        assert!(
            said.err.contains("3 of 3 working keys") || said.err.contains("4 of 4 working keys"),
            "{}",
            said.err
        );
        let said = push(&others, ecds, &["--take-over", "--allow-removals"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert_eq!(
            said.err,
            format!("keyward: `{other}` took {ecds} over from `{source}`\n")
        );
        let said = push(&keys, ecds, &["--allow-removals"]);
        assert_eq!(said.code, Some(4));
        assert!(
            said.err.contains(&format!("holds the keys of `{other}`")),
            "{}",
            said.err
        );
    }
}
