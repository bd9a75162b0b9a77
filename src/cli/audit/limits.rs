//! What a report cannot know, said in it.

use super::build::Material;

pub(super) fn limits(material: &Material<'_>) -> Vec<String> {
    let (books, inventory) = (material.books, material.inventory);
    let mut limits = vec![
        "Queries are not logged, so what an `expand` needed is not known: a grant that looks unused may have served one. Try a change in shadow first.".to_owned(),
        "Of a key with every permission the log names none. What it needs is told by the endpoints it called, from the catalogue as it is now.".to_owned(),
    ];
    if !inventory.is_given {
        limits.push(
            "No key file and no configuration was given: what is granted, and which keys never appear, is not known.".to_owned(),
        );
    }
    let other_keys = books.other_keys.calls;
    if other_keys > 0 {
        limits.push(format!(
            "There are more keys than are told apart: {other_keys} requests are in the sums and in no key's row."
        ));
    }
    let left_out: u64 = books
        .keys
        .values()
        .map(|book| book.accounts.others().calls + book.clients.others().calls)
        .sum();
    if left_out > 0 {
        limits.push(
            "Accounts and clients beyond the first thousand, and the first 256, of a key are counted together.".to_owned(),
        );
    }
    limits
}
