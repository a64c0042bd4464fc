"""The loop and its policies: plan, drive, order, retry, limits, batches, offsets."""
