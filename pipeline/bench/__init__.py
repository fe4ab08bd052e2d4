"""What the product costs, measured against what it must not cost. Never shipped to Lambda."""
