//! The command `keyward` with a server, compared with the same commands on a key file.

mod both;
mod key_file;
mod life;
mod lost;
mod places;
mod policies;
mod refusals;
mod untaken;
