"""What may be shown of a count. The only place besides `matching.overlap` where an unreleased count exists."""
