//! `keyward audit`, without a gateway.

mod hostile;
