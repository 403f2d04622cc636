"""The same networks, losses and learners twice: PyTorch and Keras on TensorFlow, line against line."""
