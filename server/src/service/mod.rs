//! The only caller of `decide`: reads what a command needs, decides, commits, and wakes the publisher. The API calls it, and so will pages.

pub(crate) mod bounds;
mod entry;
pub(crate) mod failure;
pub(crate) mod filed;
pub(crate) mod hold;
mod lockout;
pub(crate) mod once;
pub(crate) mod own_rows;
pub(crate) mod refusal;
pub(crate) mod refused;
mod sender;
pub(crate) mod standing;
pub(crate) mod step;
mod target;

use std::sync::Arc;

use keyward::management::{Ceiling, Command, Note, Override, Secret};
use serde_json::{Value, json};

pub(crate) use sender::Sender;

use self::bounds::{Bounds, reason};
use self::failure::Stored;
use self::once::{Kept, Once, Replayed};
use self::step::step;
use self::target::{Target, is_end, target_of};
use crate::app::App;
use crate::http::call::{Answer, Call, written};
use crate::http::failure::Failure;
use crate::publish::Haste;
use crate::quota::Quota;
use crate::shown::{WithTokens, propagation};
use crate::store::{Reader, Scope, Tx};

/// What is to be done, one after the other in one transaction, and how its outcome is shown.
pub(crate) struct Work {
    pub(crate) commands: Vec<(Command, Override)>,
    pub(crate) present: Present,
    /// What must hold when they are carried out.
    pub(crate) guard: Option<Guard>,
    /// The caller's reason, if there is one. The trail keeps it.
    pub(crate) reason: Option<String>,
}

/// Looks at the store before a change, in the same transaction.
pub(crate) type Guard = Arc<dyn Fn(&Reader<'_>) -> Result<(), Stored> + Send + Sync>;

impl Work {
    /// One command, within the policy.
    pub(crate) fn of(command: Command, present: Present) -> Self {
        Self::passing(command, Override::None, present)
    }

    /// One command, which may pass over the policy.
    pub(crate) fn passing(command: Command, passes_policy: Override, present: Present) -> Self {
        Self {
            commands: vec![(command, passes_policy)],
            present,
            guard: None,
            reason: None,
        }
    }

    /// The same, for a reason.
    pub(crate) fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// The same, if this holds.
    pub(crate) fn guarded(self, guard: Guard) -> Self {
        Self {
            guard: Some(guard),
            ..self
        }
    }
}

/// Shows what a change came to, as of the change, without any value.
pub(crate) type Present =
    Arc<dyn Fn(&Reader<'_>, &Outcome<'_>) -> Result<Shown, Stored> + Send + Sync>;

/// What the commands came to.
pub(crate) struct Outcome<'a> {
    /// The keys that the answer shows.
    pub(crate) keys: &'a [String],
    pub(crate) notes: &'a [Note],
    pub(crate) now: u64,
}

/// An object of the API.
pub(crate) struct Shown {
    /// As JSON, without any value.
    pub(crate) object: Value,
    /// The id, of a key or an account: a replay is answered only while the caller may read it.
    pub(crate) id: Option<String>,
    pub(crate) version: Option<u64>,
}

/// What the writing thread hands back.
enum Written {
    Done(Done),
    Replayed(Replayed),
}

struct Done {
    shown: Shown,
    /// The values that were made, by the ids of their keys.
    minted: Vec<(String, Secret)>,
    change: u64,
    haste: Haste,
}

/// Carries out commands, and answers with what they came to.
pub(crate) async fn carry_out(app: &Arc<App>, call: &Call, work: Work) -> Result<Answer, Failure> {
    let now = crate::time::now();
    for (command, _) in &work.commands {
        lockout::refuse(app, &call.caller, command)?;
    }
    let is_end = work.commands.iter().all(|(one, _)| is_end(one, now));
    let order = Order {
        now,
        scope: call.caller.scope(),
        sender: Sender::of(call),
        source: call.caller.source(),
        expected_version: call.expected_version,
        once: match is_end {
            true => Once::of(call, now).of_an_end(),
            false => Once::of(call, now),
        },
        quota: Arc::clone(&app.quota),
        steps: work
            .commands
            .into_iter()
            .map(|(command, passes)| Step::of(command, passes, work.reason.as_ref(), call))
            .collect(),
        present: work.present,
        guard: work.guard,
    };
    let change = move |tx: &mut Tx<'_>| order.carry_out(tx);
    let written: Result<Written, Stored> = if is_end {
        app.store.end(change).await
    } else {
        app.store.write(change).await
    };
    match written.map_err(Failure::from)? {
        Written::Replayed(replayed) => replayed.answer(),
        Written::Done(done) => {
            app.publisher.wake(done.haste);
            answered(app, call, done).await
        }
    }
}

async fn answered(app: &Arc<App>, call: &Call, done: Done) -> Result<Answer, Failure> {
    let Done {
        mut shown,
        minted,
        change,
        haste: _,
    } = done;
    let waited = hold::as_preferred(app, call, change).await;
    let members = shown.object.get_mut("keyward");
    if let Some(members) = members.and_then(Value::as_object_mut) {
        let come = app.fleet.come(change);
        members.insert("propagation".to_owned(), json!(propagation(change, come)));
    }
    let body = written(&WithTokens {
        value: &shown.object,
        tokens: &minted,
    })?;
    Ok(Answer {
        version: shown.version,
        change: Some(change),
        waited,
        ..Answer::written(body)
    })
}

/// Commands on their way to the thread that writes. They may be carried out more than once; the last time counts.
struct Order {
    now: u64,
    steps: Vec<Step>,
    scope: Scope,
    sender: Sender,
    /// What new records say of their source.
    source: &'static str,
    expected_version: Option<u64>,
    once: Once,
    quota: Arc<Quota>,
    present: Present,
    guard: Option<Guard>,
}

/// One of them.
struct Step {
    command: Command,
    ceiling: Ceiling,
    /// Why it is done, or why the policy is passed over.
    reason: Option<String>,
}

impl Step {
    fn of(command: Command, passes_policy: Override, said: Option<&String>, call: &Call) -> Self {
        Self {
            command,
            reason: reason(&passes_policy).or_else(|| said.cloned()),
            ceiling: call.caller.ceiling(passes_policy),
        }
    }
}

impl Order {
    fn carry_out(&self, tx: &mut Tx<'_>) -> Result<Written, Stored> {
        if let Some(replayed) = self.once.replay(tx)? {
            return Ok(Written::Replayed(replayed));
        }
        self.is_expected(tx)?;
        if let Some(guard) = &self.guard {
            guard(&tx.read())?;
        }
        let (mut keys, mut notes, mut minted) = (Vec::new(), Vec::new(), Vec::new());
        let (mut change, mut haste) = (tx.head().sequence, Haste::Soon);
        for one in &self.steps {
            let bounds = Bounds {
                scope: &self.scope,
                ceiling: &one.ceiling,
                reason: one.reason.as_deref(),
                quota: Some(&self.quota),
                sender: &self.sender,
                source: self.source,
                file: None,
                now: self.now,
            };
            let done = step(tx, &one.command, &bounds)?;
            change = done.change;
            if done.haste == Haste::AtOnce {
                haste = Haste::AtOnce;
            }
            notes.extend(done.notes);
            if let (Some(key), Some(secret)) = (&done.key, done.minted) {
                minted.push((key.clone(), secret));
            }
            keys.extend(done.key);
        }
        let outcome = Outcome {
            keys: &keys,
            notes: &notes,
            now: self.now,
        };
        let shown = (self.present)(&tx.read(), &outcome)?;
        let id = shown.id.as_deref();
        let kept = match minted.first() {
            Some((key, _)) => Kept::Value(key, id),
            None => Kept::Object(&shown.object, id),
        };
        self.once.keep(tx, &kept)?;
        Ok(Written::Done(Done {
            shown,
            minted,
            change,
            haste,
        }))
    }

    /// Whether the object is still what the caller last saw.
    fn is_expected(&self, tx: &mut Tx<'_>) -> Result<(), Stored> {
        let Some(expected) = self.expected_version else {
            return Ok(());
        };
        let reader = tx.read();
        let target = self.steps.first().and_then(|one| target_of(&one.command));
        let current = match target {
            Some(Target::Key(id)) => reader.key(&self.scope, id)?.map(|key| key.version),
            Some(Target::Account(id)) => reader
                .account(&self.scope, id)?
                .map(|account| account.version),
            None => None,
        };
        match current {
            Some(current) => Ok(refusal::is_version(current, Some(expected))?),
            None => Ok(()),
        }
    }
}
