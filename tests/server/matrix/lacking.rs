//! Every route by an operator's key that holds every permission but the one that the route asks for, and by one that holds that one at the lower level.

use keyward::permission::AccessLevel;
use keyward_harness::eventually;
use keyward_server::permission::Management;
use keyward_server::routes::{Asked, ROUTES, Route};

use super::{Caller, May, Objects, Seen, ask, key};
use crate::world::{PROPAGATION, World};

pub(super) fn no_route_is_open_to_a_caller_that_lacks_its_permission_only(
    world: &World,
    objects: &Objects,
) {
    let mut callers: Vec<(Vec<String>, Vec<&'static Route>)> = Vec::new();
    for one in Management::ALL {
        let asks = |route: &&Route| route.asked == Asked::One(*one);
        // A permission that no route asks for is asked for by the rules.
        let routes: Vec<&'static Route> = ROUTES.iter().filter(asks).collect();
        let writes = |route: &&Route| route.level == AccessLevel::Write;
        let writing: Vec<&'static Route> = routes.iter().copied().filter(writes).collect();
        let others = || {
            let names = Management::ALL.iter().filter(|other| *other != one);
            names.map(|other| format!("{}_write", other.name()))
        };
        let lower = format!("{}_read", one.name());
        callers.push((others().collect(), routes));
        callers.push((others().chain([lower]).collect(), writing));
    }
    callers.retain(|(_, routes)| !routes.is_empty());
    // All of them first: their ways to the gateway's workers overlap.
    let callers: Vec<(Caller, Vec<&'static Route>)> = callers
        .into_iter()
        .map(|(held, routes)| (caller(world, &held), routes))
        .collect();
    let mut cells = 0;
    for (caller, routes) in &callers {
        for route in routes {
            refused(world, objects, caller, route);
            cells += 1;
        }
    }
    let of_one = |route: &&Route| matches!(route.asked, Asked::One(_));
    let expected: usize = ROUTES
        .iter()
        .filter(of_one)
        .map(|route| match route.level {
            AccessLevel::Read => 1,
            AccessLevel::Write => 2,
        })
        .sum();
    assert_eq!(cells, expected);
}

fn caller(world: &World, held: &[String]) -> Caller {
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    Caller {
        name: "an operator's key that lacks the permission",
        key: key(world, "acct_operator", "restricted", true, &held, &[]),
        headers: Vec::new(),
        may: May::Nothing,
    }
}

/// At the gateway, before the server.
fn refused(world: &World, objects: &Objects, caller: &Caller, route: &'static Route) {
    let what = format!("{} {}", route.method.name(), route.template);
    let seen = eventually(&what, PROPAGATION, || {
        let seen = ask(world, objects, caller, route);
        let is_late = matches!(&seen, Seen::Gateway(reason) if reason == "unknown_key");
        (!is_late).then_some(seen)
    });
    let expected = Seen::Gateway("insufficient_permission".to_owned());
    assert_eq!(seen, expected, "{what} by {}", caller.name);
}
