//! The keys on the page: one card each, the most called first.

use super::super::report::{Key, Permission, PermissionState, Report, Tops};
use super::charts;
use super::text::{number, text};

/// How many keys have a card. All are in the JSON.
const CARDS: usize = 200;
/// How many endpoints, accounts and clients of one key are listed.
const LISTED: usize = 6;

pub(super) fn section(report: &Report) -> String {
    let cards: String = report
        .keys
        .iter()
        .filter(|key| key.calls > 0)
        .take(CARDS)
        .map(card)
        .collect();
    let idle: Vec<&Key> = report.keys.iter().filter(|key| key.calls == 0).collect();
    let used = report.keys.len() - idle.len();
    let more = match used.saturating_sub(CARDS) {
        0 => String::new(),
        more => format!(
            "<p class=\"note\">{more} more keys are in <code>keyward audit --json</code>.</p>"
        ),
    };
    let without = if idle.is_empty() {
        String::new()
    } else {
        let rows: String = idle.iter().take(CARDS).map(|key| idle_row(key)).collect();
        format!(
            "<section><h2>Listed and not in this log</h2><div class=\"wide\"><table><thead><tr><th>key</th><th>name</th><th>kind</th><th>owner</th><th>ends</th></tr></thead><tbody>{rows}</tbody></table></div></section>\n"
        )
    };
    format!(
        "<section><h2>Keys</h2><p class=\"legend\"><span class=\"chip used\">used</span> <span class=\"chip unused\">granted, not used</span> <span class=\"chip missing\">refused</span></p>{cards}{more}</section>\n{without}"
    )
}

fn idle_row(key: &Key) -> String {
    format!(
        "<tr id=\"{0}\"><th><code>{0}</code></th><td>{1}</td><td>{2} {3}</td><td>{4}</td><td>{5}</td></tr>",
        text(&key.id),
        text(key.name.as_deref().unwrap_or("–")),
        badge(key.mode),
        badge(key.kind),
        text(key.owner.as_deref().unwrap_or("–")),
        text(key.expires.as_deref().unwrap_or("never")),
    )
}

fn badge(word: &str) -> String {
    format!("<span class=\"badge {0}\">{0}</span>", text(word))
}

fn card(key: &Key) -> String {
    let name = key.name.as_deref().map_or_else(String::new, |name| {
        format!(" <span class=\"name\">{}</span>", text(name))
    });
    let owner = key.owner.as_deref().or(key.org.as_deref());
    let owner = owner.map_or_else(String::new, |owner| {
        format!(" <code class=\"dim\">{}</code>", text(owner))
    });
    let facts = [
        Some(format!("<b>{}</b> calls", number(key.calls))),
        (key.denied > 0).then(|| format!("<b class=\"bad\">{}</b> refused", number(key.denied))),
        (key.shadow > 0).then(|| format!("<b class=\"warn\">{}</b> in shadow", number(key.shadow))),
        key.last_used
            .as_deref()
            .map(|last| format!("last used <time>{}</time>", text(last))),
        key.expires
            .as_deref()
            .map(|at| format!("ends <time>{}</time>", text(at))),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!(
        "<article id=\"{}\"><div class=\"head\"><div><h3><code>{}</code>{name}</h3><p>{} {}{owner}</p><p class=\"facts\">{}</p></div>{}</div>{}{}{}</article>",
        text(&key.id),
        text(&key.id),
        badge(key.mode),
        badge(key.kind),
        facts.join(" · "),
        charts::spark(&key.timeline),
        permissions(key),
        lists(key),
        commands(key),
    )
}

fn permissions(key: &Key) -> String {
    let side = |connected: bool| -> String {
        let all = key.permissions.iter();
        all.filter(|permission| permission.connected == connected)
            .map(chip)
            .collect()
    };
    let (own, connected) = (side(false), side(true));
    let told = match key.told_by {
        "endpoint" => {
            "<p class=\"dim\">This key has every permission; these are what its calls needed.</p>"
        }
        _ => "",
    };
    let mut html = String::new();
    if !own.is_empty() {
        html.push_str(&format!("<p class=\"chips\">{own}</p>"));
    }
    if !connected.is_empty() {
        html.push_str(&format!(
            "<p class=\"chips\"><span class=\"dim\">connected accounts</span> {connected}</p>"
        ));
    }
    format!("{told}{html}")
}

fn chip(permission: &Permission) -> String {
    let name = text(&permission.permission);
    let level = permission.level;
    match permission.state {
        PermissionState::Used => format!(
            "<span class=\"chip used\">{name} <i>{level}</i> {}</span>",
            number(permission.calls)
        ),
        PermissionState::Missing => format!(
            "<span class=\"chip missing\">{name} <i>{level}</i> {}</span>",
            number(permission.calls)
        ),
        PermissionState::Unused => {
            let note = match (permission.used_level, permission.may_be_expanded) {
                (Some(used), _) => format!(" used to {used}"),
                (None, true) => " unless expanded".to_owned(),
                (None, false) => String::new(),
            };
            format!("<span class=\"chip unused\">{name} <i>{level}</i>{note}</span>")
        }
    }
}

fn lists(key: &Key) -> String {
    let most = key.endpoints.iter().map(|one| one.calls).max().unwrap_or(1);
    let endpoints: String = key
        .endpoints
        .iter()
        .take(LISTED)
        .map(|one| {
            format!(
                "<li>{} <span class=\"n\">{}</span> <code>{}</code></li>",
                charts::meter(one.calls, 0, most),
                number(one.calls),
                text(&one.endpoint)
            )
        })
        .collect();
    let beyond = key.endpoints.len().saturating_sub(LISTED);
    let beyond = if beyond > 0 {
        format!("<li class=\"dim\">{beyond} more</li>")
    } else {
        String::new()
    };
    let mut html = String::from("<div class=\"lists\">");
    if !endpoints.is_empty() {
        html.push_str(&format!(
            "<div><h4>Endpoints</h4><ul>{endpoints}{beyond}</ul></div>"
        ));
    }
    html.push_str(&list("", "Accounts", &key.accounts));
    html.push_str(&list("", "Clients", &key.clients));
    let beyond = "Not in the catalogue, so it is not known what these needed";
    html.push_str(&list(" class=\"all\"", beyond, &key.uncatalogued));
    html.push_str("</div>");
    html
}

fn list(class: &str, title: &str, tops: &Tops) -> String {
    if tops.distinct == 0 {
        return String::new();
    }
    let items: String = tops
        .listed
        .iter()
        .take(LISTED)
        .map(|top| {
            format!(
                "<li><span class=\"n\">{}</span> <code>{}</code></li>",
                number(top.calls),
                text(&top.value)
            )
        })
        .collect();
    let beyond = tops.distinct.saturating_sub(tops.listed.len().min(LISTED));
    let beyond = if beyond > 0 {
        format!("<li class=\"dim\">{beyond} more</li>")
    } else {
        String::new()
    };
    format!("<div{class}><h4>{title}</h4><ul>{items}{beyond}</ul></div>")
}

fn commands(key: &Key) -> String {
    if key.commands.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = key.commands.iter().map(|command| text(command)).collect();
    let what = if key.commands.len() > 1 {
        "The key that could take its place"
    } else {
        "Without what it does not use"
    };
    format!(
        "<details><summary>{what}</summary><pre>{}</pre></details>",
        lines.join("\n")
    )
}
