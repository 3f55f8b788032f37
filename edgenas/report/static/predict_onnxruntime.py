"""Says what pictures show, by model.onnx. Needs onnxruntime, numpy and pillow, and the files beside it.

python predict_onnxruntime.py PICTURE...
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> None:
    """Print a line a picture: its name, the class, and how sure the network is."""
    import numpy as np
    import onnxruntime
    from PIL import Image

    how = json.loads((HERE / "preprocessing.json").read_text())
    labels = (HERE / "labels.txt").read_text().splitlines()
    network = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
    for name in names:
        with Image.open(name) as image:
            small = image.convert(how["mode"]).resize((how["width"], how["height"]), Image.Resampling.BILINEAR)
        pixels = np.asarray(small, dtype=np.float32).reshape(1, how["height"], how["width"], -1) / 255
        inputs = ((pixels - how["mean"]) / how["std"]).transpose(0, 3, 1, 2).astype(np.float32)
        scores = network.run(None, {network.get_inputs()[0].name: inputs})[0][0]
        shares = np.exp(scores - scores.max())
        best = int(scores.argmax())
        print(f"{name}\t{labels[best]}\t{shares[best] / shares.sum():.4f}")


main(sys.argv[1:])
