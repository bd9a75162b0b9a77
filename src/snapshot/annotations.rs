//! A key's annotations. They are free-form, and no decision uses them. keyward keeps one of them,
//! for questions about a key: `user_id`, the user to whom the key belongs.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::mask::KnownPrefixes;
use crate::order::has_equals;
use crate::refusal::DUPLICATE_MEMBER;
use crate::wire::Text;

/// The annotation that keyward keeps.
pub(super) const MEMBER: &str = "user_id";

/// The maximum length of a user id that is shown, in bytes.
const LONGEST: usize = 128;

pub(super) const USER_ID: &str = "1 to 128 printable ASCII characters without spaces or a key";

/// Returns whether a text may be shown as a user's id: 1 to 128 printable ASCII characters without
/// spaces, and nothing in it looks like a key.
pub(super) fn is_user_id(text: &str, prefixes: &KnownPrefixes) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
        && !prefixes.occur_in(text)
}

/// The content of `annotations`: any JSON. It is read only to check that it is well-formed and that
/// no object has a duplicate member.
#[derive(Default)]
pub(crate) struct Annotations<'a> {
    /// The text itself, if the value is a text.
    text: Option<Text<'a>>,
    /// The member `user_id`, if the value is an object and that member is a text.
    user_id: Option<Text<'a>>,
}

impl<'a> Annotations<'a> {
    fn text<E>(text: Cow<'a, str>) -> Result<Self, E> {
        Ok(Self {
            text: Some(Text(text)),
            user_id: None,
        })
    }

    /// Returns the user if it is a text that may be shown. Annotations are free-form, so anything
    /// else is neither a fault nor an id.
    pub(super) fn user_id(self, prefixes: &KnownPrefixes) -> Option<Text<'a>> {
        self.user_id.filter(|user| is_user_id(&user.0, prefixes))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor(PhantomData))
    }
}

struct AnyVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for AnyVisitor<'a> {
    type Value = Annotations<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Annotations<'a>, E> {
        Ok(Annotations::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Annotations<'a>, E> {
        Ok(Annotations::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Annotations<'a>, E> {
        Ok(Annotations::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Annotations<'a>, E> {
        Ok(Annotations::default())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Annotations<'a>, E> {
        Annotations::text(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Annotations<'a>, E> {
        Annotations::text(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Annotations<'a>, E> {
        Ok(Annotations::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Annotations<'a>, A::Error> {
        while seq.next_element::<Annotations<'a>>()?.is_some() {}
        Ok(Annotations::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations<'a>, A::Error> {
        let mut names = Vec::new();
        let mut user_id = None;
        while let Some((name, value)) = map.next_entry::<Text<'a>, Annotations<'a>>()? {
            if name.0 == MEMBER {
                user_id = value.text;
            }
            names.push(name.0);
        }
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        if has_equals(&names) {
            Err(A::Error::custom(DUPLICATE_MEMBER))
        } else {
            Ok(Annotations {
                text: None,
                user_id,
            })
        }
    }
}
