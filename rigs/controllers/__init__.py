"""Stand-in controllers: one module each. They use the gateway's public interface and nothing else."""
