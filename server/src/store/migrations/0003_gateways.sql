-- VMs of gateways that were handed a head of the feed, and until when each may serve what it was handed: a change is everywhere only after all of them have asked with it,
-- or their time is over. What they serve is not here: after a start each says so anew.
CREATE TABLE gateway_vms (
    gateway TEXT NOT NULL,
    -- Empty for all that polled with the gateway's key and are told apart by nothing.
    vm TEXT NOT NULL,
    group_name TEXT NOT NULL CHECK (group_name IN ('edge', 'control')),
    until INTEGER NOT NULL,
    PRIMARY KEY (gateway, vm)
) STRICT, WITHOUT ROWID;
