//! Whether a change is in force at every gateway. What is not known is never taken for proof: any doubt leaves a change `published`, with the time at which gateways that lack it
//! deny by themselves.

/// A VM that was handed a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vm {
    /// From when on it serves nothing that it was handed, Unix seconds.
    pub(crate) leaves: u64,
    /// The revision that it last asked with, if that is proof.
    pub(crate) confirmed: Option<u64>,
}

/// What is asked of the VMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The revision that has the change.
    pub(crate) wanted: u64,
    /// From when on no head without the change is served by anyone, known or not.
    pub(crate) at_latest: u64,
    /// Whether there may be gateways that never ask here.
    pub(crate) has_unseen: bool,
    pub(crate) now: u64,
}

/// How far a published change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No VM serves anything without it.
    Everywhere,
    /// Some may, until then.
    Published { latest_by: u64 },
}

/// Answers it.
pub(crate) fn reach(vms: impl Iterator<Item = Vm>, question: Question) -> Reach {
    let Question {
        wanted,
        at_latest,
        has_unseen,
        now,
    } = question;
    if now >= at_latest {
        return Reach::Everywhere;
    }
    if has_unseen {
        return Reach::Published {
            latest_by: at_latest,
        };
    }
    let lacking = vms.filter(|vm| vm.leaves > now && vm.confirmed.is_none_or(|own| own < wanted));
    match lacking.map(|vm| vm.leaves).max() {
        None => Reach::Everywhere,
        Some(leaves) => Reach::Published {
            latest_by: leaves.min(at_latest),
        },
    }
}

impl Reach {
    /// Both of two groups of gateways.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everywhere, other) | (other, Self::Everywhere) => other,
            (Self::Published { latest_by: one }, Self::Published { latest_by: two }) => {
                Self::Published {
                    latest_by: one.max(two),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
