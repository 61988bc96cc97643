"""IPMI over LAN: messages, IPMI 1.5 and RMCP+ packets, and both ends of a session."""
