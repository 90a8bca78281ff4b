-- Prosody as a contestant. What begins with a dollar sign is filled in by contest/servers.py; every choice has its reason.

run_as_root = true          -- The comparison may run as root in a container; Prosody refuses that otherwise.
daemonize = false
pidfile = "$folder/prosody.pid"
data_path = "$data"
admins = { }

-- Errors only, to a file: what is measured is the server, not its log.
log = { error = "$folder/server.log" }

-- Its best network backend on Linux (the default of 0.12 also).
network_backend = "epoll"
-- Thousands connect at once; its default of 32 would measure SYN retries.
network_settings = { tcp_backlog = 4096 }

-- Files below data_path: Debian's default, and faster for single accounts and rosters than SQLite, whose driver also
-- blocks the one thread there is.
storage = "internal"

-- The same hash and iterations as the others. The default would be SCRAM-SHA-1.
authentication = "internal_hashed"
password_hash = "SHA-256"
default_iteration_count = $iterations

-- What Rondel's example configuration loads, and not more. Above all not mod_limits, which would slow clients down on
-- purpose, nor stream management, carbons, archive and personal eventing, which Rondel doesn't have loaded either.
modules_enabled = {
  "roster", "saslauth", "tls", "disco", "ping", "version", "time", "lastactivity", "offline", "c2s", "posix"
}
modules_disabled = { "s2s" }  -- No federation in any contestant.
s2s_ports = { }

-- One plain port (scenarios without TLS log in by SCRAM there), one with TLS from the first byte.
c2s_interfaces = { "127.0.0.1" }
c2s_ports = { $plain_port }
c2s_direct_tls_interfaces = { "127.0.0.1" }
c2s_direct_tls_ports = { $tls_port }
c2s_require_encryption = false
c2s_close_timeout = 5

-- The same certificate (ECDSA, P-256) for all; the protocol is the client's choice, TLS 1.3.
ssl = { certificate = "$certificate", key = "$key" }
-- Where it looks for certificates by itself; there are none.
certificates = "$folder"
c2s_direct_tls_ssl = { certificate = "$certificate", key = "$key" }

-- Garbage collection stays at Prosody's default (incremental).

VirtualHost "$domain"
  ssl = { certificate = "$certificate", key = "$key" }
