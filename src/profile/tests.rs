use super::*;

#[test]
fn every_message_is_a_template_that_names_what_is_known_then() {
    for reason in DenyReason::all() {
        for text in [stripe::message(reason), plain::message(reason)] {
            let template = Template::parse(text).unwrap_or_else(|| panic!("{reason:?}"));
            for field in template.fields() {
                assert!(field.is_known_for(reason), "{reason:?} {field:?}");
            }
        }
    }
}

#[test]
fn the_plain_profile_names_nobody() {
    for reason in DenyReason::all() {
        assert!(!plain::message(reason).contains("Stripe"), "{reason:?}");
    }
    assert!(
        !format!("{:?}", Profile::plain().names())
            .to_lowercase()
            .contains("stripe")
    );
}

#[test]
fn a_prefix_belongs_to_one_kind() {
    let profile = Profile::stripe();
    let kinds = |key: &str| {
        KeyKind::ALL
            .into_iter()
            .filter(|kind| profile.is_key_of_kind(key, *kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("sk_test_x"), [KeyKind::Secret]);
    assert_eq!(kinds("sk_live_x"), [KeyKind::Secret]);
    assert_eq!(kinds("rk_test_x"), [KeyKind::Restricted]);
    assert_eq!(kinds("pk_live_x"), [KeyKind::Publishable]);
    assert_eq!(kinds("sk_org_live_x"), [KeyKind::Organization]);
    assert_eq!(kinds("SK_test_x"), []);
}
