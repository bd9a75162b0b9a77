//! The fuzz targets and what they compare with. The reference model and the generator of worlds are those of the integration tests, and share no code with keyward.
#![allow(dead_code, reason = "of the tests' modules only a part is needed here")]

#[path = "../../tests/it/agreement"]
mod agreement {
    pub(crate) mod asking;
    pub(crate) mod dice;
    mod expanding;
    pub(crate) mod requests;
    mod rows;
    pub(crate) mod world;
}
#[path = "../../tests/it/catalogue/mod.rs"]
mod catalogue;
#[path = "../../tests/it/reference/mod.rs"]
mod reference;
#[path = "../../tests/it/support"]
mod support {
    mod packed;
    pub(crate) use packed::packed;
}
pub mod targets;
