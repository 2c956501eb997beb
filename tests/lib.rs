//! What the framework promises, shown with exact values: see `behaviour/`.
