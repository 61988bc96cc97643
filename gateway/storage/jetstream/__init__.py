"""The streams and buckets that several gateways share."""
