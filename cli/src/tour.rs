//! The help text of the whole command: from nothing to a running Envoy, in commands that a test
//! runs unchanged.

/// Shown below the list of commands. Lines have fewer than 100 characters, the width of help
/// without a terminal.
pub(super) const HELP: &str = "\
From nothing to a running Envoy (docs/key-file.md, envoy/bootstrap.yaml):
  keyward init                                          # a key file, keyward.toml
  keyward accounts add acct_1 --name 'Widgets Ltd'      # with its first keys, shown once
  KEY=$(keyward keys create --owner acct_1 --grant customer=read)   # never into a file
  keyward keys list
  keyward push --ecds envoy/ecds/keyward.yaml           # what Envoy watches; prints REVISION
  keyward wait --revision REVISION --admin http://127.0.0.1:9901    # every worker serves it
  printf %s \"$KEY\" | keyward explain --key-stdin GET /v1/customers  # what is answered, and why
  curl -u \"$KEY:\" http://127.0.0.1:10000/v1/customers
  keyward doctor --admin http://127.0.0.1:9901          # ways around it

Later:
  keyward keys rotate mk_1 --keep-for 24h               # the old key works for one more day
  keyward keys limit-ip mk_1 set 203.0.113.0/24
  keyward keys find --key-stdin < leaked.txt            # whose is it? (docs/incident.md)
  keyward keys delete mk_1
Each takes effect with the next push. `keyward COMMAND --help` has more examples.

Exit codes: 0 good, 1 a check failed or nothing was found, 2 usage, 3 denied, 4 invalid input";
