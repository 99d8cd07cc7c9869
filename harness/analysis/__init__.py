"""What follows from records alone: intervals, verdicts, comparison and choice. Nothing here touches a device."""
