"""The versioned events that the services exchange: pydantic and nothing else."""
