//! A simulated Sevalla.
