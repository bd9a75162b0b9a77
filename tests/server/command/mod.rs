//! The command `keyward` on a server, next to the same commands on a key file.

mod both;
mod life;
mod lost;
mod places;
mod policies;
mod refusals;
mod untaken;
