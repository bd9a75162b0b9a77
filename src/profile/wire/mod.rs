//! A profile in a configuration: a preset, and what differs from it.

mod headers;

use super::{Field, Links, Prefixes, Template};
use crate::account::IdPrefixes;
use crate::key::KeyKind;
use crate::order::has_equals;
use crate::reason::DenyReason;
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::wire::{Members, Object, Text, form, present};
use crate::word::words;
use headers::Headers;

form! {
pub(crate) struct Profile<'a> {
    #[serde(default)]
    preset: Preset,
    #[serde(default, borrow, deserialize_with = "present")]
    prefixes: Option<Object<KeyPrefixes<'a>>>,
    #[serde(default, borrow, deserialize_with = "present")]
    headers: Option<Object<Headers<'a>>>,
    #[serde(default, borrow)]
    override_headers: Vec<Text<'a>>,
    #[serde(default, borrow)]
    credential_headers: Vec<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    ids: Option<Object<Ids<'a>>>,
    #[serde(default, borrow, deserialize_with = "present")]
    realm: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    request_id_prefix: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    retry_header: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    links: Option<Object<WireLinks<'a>>>,
    #[serde(default, borrow)]
    messages: Members<Text<'a>, Text<'a>>,
}
}

words! {
    #[derive(Default)]
    enum Preset { #[default] Stripe = "stripe", Plain = "plain" }
}

form! {
struct KeyPrefixes<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    secret: Option<Vec<Text<'a>>>,
    #[serde(default, borrow, deserialize_with = "present")]
    restricted: Option<Vec<Text<'a>>>,
    #[serde(default, borrow, deserialize_with = "present")]
    publishable: Option<Vec<Text<'a>>>,
    #[serde(default, borrow, deserialize_with = "present")]
    organization: Option<Vec<Text<'a>>>,
}
}

form! {
struct Ids<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    account: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    organization: Option<Text<'a>>,
}
}

form! {
struct WireLinks<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    authentication: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    support: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    api_keys: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    error_codes: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    documentation: Option<Text<'a>>,
}
}

/// The members of every object in a profile.
pub(crate) const PROFILE: [&[&str]; 5] = [
    Profile::MEMBERS,
    KeyPrefixes::MEMBERS,
    Headers::MEMBERS,
    Ids::MEMBERS,
    WireLinks::MEMBERS,
];

impl Profile<'_> {
    /// Checks every name and text. `place` is the profile's place.
    pub(crate) fn read(self, place: &Place) -> Result<super::Profile, Refusal> {
        let Self {
            preset,
            prefixes,
            headers,
            override_headers,
            credential_headers,
            ids,
            realm,
            request_id_prefix,
            retry_header,
            links,
            messages,
        } = self;
        let mut profile = match preset {
            Preset::Stripe => super::Profile::stripe(),
            Preset::Plain => super::Profile::plain(),
        };
        if let Some(Object(prefixes)) = prefixes {
            let place = place.then("prefixes");
            read_prefixes(prefixes, &mut profile.key_prefixes, &place)?;
            profile.known_prefixes = super::known(&profile.key_prefixes);
        }
        let names = &mut profile.names;
        if let Some(Object(headers)) = headers {
            headers::read(headers, names, &place.then("headers"))?;
        }
        names.override_headers =
            headers::read_more(&override_headers, names, &place.then("override_headers"))?;
        names.credential_headers = headers::read_more(
            &credential_headers,
            names,
            &place.then("credential_headers"),
        )?;
        if let Some(Object(ids)) = ids {
            read_ids(&ids, &mut names.ids, &place.then("ids"))?;
        }
        if let Some(text) = realm {
            let is_realm = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
            let expected = "1 to 64 characters of printable ASCII without `\"` and `\\`";
            names.realm = spelled(&text, 1, 64, is_realm, &place.then("realm"), expected)?;
        }
        if let Some(text) = request_id_prefix {
            let place = place.then("request_id_prefix");
            let expected = "at most 32 letters, digits, `_` or `-`";
            names.request_id_prefix = spelled(&text, 0, 32, is_word, &place, expected)?;
        }
        if let Some(text) = retry_header {
            names.retry_header = headers::header(&text, &place.then("retry_header"))?;
        }
        if let Some(Object(links)) = links {
            read_links(links, &mut names.links, &place.then("links"))?;
        }
        read_messages(messages, &mut profile.messages, &place.then("messages"))?;
        headers::distinct(&profile.names, place)?;
        Ok(profile)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn spelled(
    text: &Text<'_>,
    least: usize,
    most: usize,
    allowed: impl Fn(u8) -> bool,
    place: &Place,
    expected: &'static str,
) -> Result<Box<str>, Refusal> {
    if (least..=most).contains(&text.0.len()) && text.0.bytes().all(allowed) {
        Ok(text.0.as_ref().into())
    } else {
        Err(place.expected(expected))
    }
}

fn read_prefixes(
    wire: KeyPrefixes<'_>,
    prefixes: &mut Prefixes,
    place: &Place,
) -> Result<(), Refusal> {
    let KeyPrefixes {
        secret,
        restricted,
        publishable,
        organization,
    } = wire;
    let given = [secret, restricted, publishable, organization];
    for ((given, kind), prefixes) in given.into_iter().zip(KeyKind::ALL).zip(prefixes.iter_mut()) {
        let Some(given) = given else { continue };
        let place = place.then(kind.name());
        if given.is_empty() {
            return Err(place.expected("at least one prefix"));
        }
        *prefixes = given
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let expected = "a prefix of 1 to 32 letters, digits, `_` or `-`";
                spelled(text, 1, 32, is_word, &place.at(index), expected)
            })
            .collect::<Result<_, _>>()?;
    }
    let all: Vec<&str> = prefixes.iter().flatten().map(|prefix| &**prefix).collect();
    if has_equals(&all) {
        return Err(place.refused("a prefix is given twice"));
    }
    Ok(())
}

fn read_ids(wire: &Ids<'_>, ids: &mut IdPrefixes, place: &Place) -> Result<(), Refusal> {
    let Ids {
        account,
        organization,
    } = wire;
    let expected = "at most 32 letters, digits, `_` or `-`";
    if let Some(text) = account {
        ids.account = spelled(text, 0, 32, is_word, &place.then("account"), expected)?;
    }
    if let Some(text) = organization {
        let place = place.then("organization");
        let expected = "1 to 32 letters, digits, `_` or `-`";
        ids.organization = spelled(text, 1, 32, is_word, &place, expected)?;
    }
    if ids.account == ids.organization {
        return Err(place.refused("accounts and organizations need different prefixes"));
    }
    Ok(())
}

fn read_links(wire: WireLinks<'_>, links: &mut Links, place: &Place) -> Result<(), Refusal> {
    let WireLinks {
        authentication,
        support,
        api_keys,
        error_codes,
        documentation,
    } = wire;
    let given = [
        (authentication, "authentication", &mut links.authentication),
        (support, "support", &mut links.support),
        (api_keys, "api_keys", &mut links.api_keys),
        (error_codes, "error_codes", &mut links.error_codes),
        (documentation, "documentation", &mut links.documentation),
    ];
    for (text, member, link) in given {
        if let Some(text) = text {
            let is_link = |byte: u8| matches!(byte, 0x21..=0x7e);
            let expected = "a link of at most 256 printable ASCII characters";
            *link = spelled(&text, 1, 256, is_link, &place.then(member), expected)?;
        }
    }
    Ok(())
}

fn read_messages(
    wire: Members<Text<'_>, Text<'_>>,
    messages: &mut [Template],
    place: &Place,
) -> Result<(), Refusal> {
    let mut given = Vec::new();
    for (name, text) in wire.0 {
        let reason = DenyReason::from_name(&name.0)
            .ok_or_else(|| place.then("*").expected("the name of a deny reason"))?;
        let place = place.then(reason.name());
        if given.contains(&reason) {
            return Err(place.refused(DUPLICATE_MEMBER));
        }
        given.push(reason);
        let known = |template: &Template| {
            template
                .fields()
                .all(|field: Field| field.is_known_for(reason))
        };
        let template = Some(text)
            .filter(|text| (1..=1024).contains(&text.0.len()))
            .and_then(|text| Template::parse(&text.0))
            .filter(known)
            .ok_or_else(|| {
                place.expected(
                    "a text of at most 1024 bytes whose fields in braces are known for this reason",
                )
            })?;
        if let Some(message) = messages.get_mut(reason.index()) {
            *message = template;
        }
    }
    Ok(())
}
