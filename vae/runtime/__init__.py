"""What runs a checkpoint: PyTorch or ONNX Runtime."""
