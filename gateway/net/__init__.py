"""Names of hosts, and the sockets that reach them."""
