//! A disk in memory that fails, tears and forgets what was not synced, under a seed.
