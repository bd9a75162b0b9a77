//! The reference model and the generator of worlds of the integration tests, which share no code with keyward.
#![allow(dead_code, reason = "of the tests' modules only a part is needed here")]

#[path = "../../../tests/it/agreement"]
pub mod agreement {
    pub mod dice;
    mod expanding;
    mod naming;
    pub mod requests;
    mod rows;
    pub mod world;
}
#[path = "../../../tests/it/catalogue/mod.rs"]
pub mod catalogue;
#[path = "../../../tests/it/reference/mod.rs"]
pub mod reference;
