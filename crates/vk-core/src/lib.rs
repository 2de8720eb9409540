//! The seam between a virtual node and what runs its pods: traits and the types they exchange.
