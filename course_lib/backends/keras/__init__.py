"""The Keras twin, on TensorFlow."""
