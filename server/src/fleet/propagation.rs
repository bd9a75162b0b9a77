//! Whether a change is in force at every gateway. The unknown never counts as proof: any doubt leaves a change `published`, with the time from which gateways that
//! lack it deny by themselves.

/// A VM that received a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vm {
    /// The time from which it serves nothing that it received, Unix seconds.
    pub(crate) leaves: u64,
    /// The revision of its last poll, if that is proof.
    pub(crate) confirmed: Option<u64>,
}

/// The question to the VMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The revision that contains the change.
    pub(crate) wanted: u64,
    /// From this time on no VM, known or unknown, serves a head without the change.
    pub(crate) at_latest: u64,
    /// Whether there may be gateways that never poll this server.
    pub(crate) has_unseen: bool,
    pub(crate) now: u64,
}

/// How far a published change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No VM serves a head without the change.
    Everywhere,
    /// Some VMs may lack it, until that time.
    Published { latest_by: u64 },
}

/// Answers the question.
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
    /// The combined reach of two groups of gateways.
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
