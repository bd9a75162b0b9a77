use super::*;

const NOW: u64 = 1_000_000;

/// A long time after every VM has left.
const AT_LATEST: u64 = NOW + 100_000;

fn vm(leaves: u64, confirmed: Option<u64>) -> Vm {
    Vm { leaves, confirmed }
}

fn question(wanted: u64) -> Question {
    Question {
        wanted,
        at_latest: AT_LATEST,
        has_unseen: false,
        now: NOW,
    }
}

/// An answer to the question, right or wrong.
type Answers = fn(&[Vm], Question) -> Reach;

fn right(vms: &[Vm], question: Question) -> Reach {
    reach(vms.iter().copied(), question)
}

/// Every rule, with the first one that an answer breaks.
fn broken_rule(answers: Answers) -> Option<&'static str> {
    let soon = NOW + 10;
    let later = NOW + 20;
    let published = |latest_by| Reach::Published { latest_by };
    let mirrored = Question {
        has_unseen: true,
        ..question(7)
    };
    let over = Question {
        at_latest: NOW,
        ..mirrored
    };
    let cases: &[(&str, &[Vm], Question, Reach)] = &[
        ("no VM has a head", &[], question(7), Reach::Everywhere),
        (
            "every VM asked with the revision, or a later one",
            &[vm(soon, Some(7)), vm(later, Some(8))],
            question(7),
            Reach::Everywhere,
        ),
        (
            "one VM asked with an earlier revision",
            &[vm(later, Some(7)), vm(soon, Some(6))],
            question(7),
            published(soon),
        ),
        (
            "one VM has a head and did not ask since",
            &[vm(later, Some(7)), vm(soon, None)],
            question(7),
            published(soon),
        ),
        (
            "of several that lack it, the last to leave counts",
            &[vm(soon, Some(1)), vm(later, None)],
            question(7),
            published(later),
        ),
        (
            "a VM stays until its head is too old, and not a second less",
            &[vm(NOW + 1, Some(6))],
            question(7),
            published(NOW + 1),
        ),
        (
            "a VM whose head is too old denies by itself",
            &[vm(NOW, Some(6)), vm(NOW - 1, None)],
            question(7),
            Reach::Everywhere,
        ),
        (
            "behind a mirror no poll proves anything",
            &[vm(soon, Some(7))],
            mirrored,
            published(AT_LATEST),
        ),
        (
            "after the last head without it has aged, nobody serves it",
            &[vm(soon, Some(6))],
            over,
            Reach::Everywhere,
        ),
        (
            "a VM with a newer head lacks the change no longer than any other",
            &[vm(AT_LATEST + 50, Some(6))],
            question(7),
            published(AT_LATEST),
        ),
    ];
    let broken = cases
        .iter()
        .find(|(_, vms, question, expected)| answers(vms, *question) != *expected);
    broken.map(|(rule, ..)| *rule)
}

#[test]
fn it_is_everywhere_when_every_vm_has_asked_with_it_and_never_before() {
    assert_eq!(broken_rule(right), None);
}

/// The rules find each of these mistakes, so they would also find it in `reach`.
#[test]
fn answers_that_are_too_early_are_found() {
    fn any_will_do(vms: &[Vm], question: Question) -> Reach {
        let has_it = |vm: &&Vm| vm.confirmed.is_some_and(|own| own >= question.wanted);
        match vms.iter().find(has_it) {
            Some(_) => Reach::Everywhere,
            None => right(vms, question),
        }
    }
    fn the_silent_are_gone(vms: &[Vm], question: Question) -> Reach {
        let asked: Vec<Vm> = vms
            .iter()
            .copied()
            .filter(|vm| vm.confirmed.is_some())
            .collect();
        right(&asked, question)
    }
    fn one_behind_is_near_enough(vms: &[Vm], question: Question) -> Reach {
        let wanted = question.wanted - 1;
        right(vms, Question { wanted, ..question })
    }
    fn it_leaves_a_second_early(vms: &[Vm], question: Question) -> Reach {
        let now = question.now + 1;
        right(vms, Question { now, ..question })
    }
    fn mirrors_do_not_matter(vms: &[Vm], question: Question) -> Reach {
        let has_unseen = false;
        right(
            vms,
            Question {
                has_unseen,
                ..question
            },
        )
    }
    let mistakes: [(Answers, &str); 5] = [
        (any_will_do, "one VM asked with an earlier revision"),
        (
            the_silent_are_gone,
            "one VM has a head and did not ask since",
        ),
        (
            one_behind_is_near_enough,
            "one VM asked with an earlier revision",
        ),
        (
            it_leaves_a_second_early,
            "a VM stays until its head is too old, and not a second less",
        ),
        (
            mirrors_do_not_matter,
            "behind a mirror no poll proves anything",
        ),
    ];
    for (answers, rule) in mistakes {
        assert_eq!(broken_rule(answers), Some(rule));
    }
}

#[test]
fn of_two_groups_the_slower_counts() {
    let published = |latest_by| Reach::Published { latest_by };
    assert_eq!(Reach::Everywhere.and(Reach::Everywhere), Reach::Everywhere);
    assert_eq!(Reach::Everywhere.and(published(5)), published(5));
    assert_eq!(published(5).and(Reach::Everywhere), published(5));
    assert_eq!(published(5).and(published(9)), published(9));
}
