"""What is kept and shown of a run: metrics, plot, report, model card, prediction and what came of it."""
