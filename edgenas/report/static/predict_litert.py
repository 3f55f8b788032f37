"""Says what pictures show, by model.tflite. Needs ai-edge-litert, numpy and pillow, and the files beside it.

python predict_litert.py PICTURE...
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> None:
    """Print a line a picture: its name, the class, and how sure the network is."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    how = json.loads((HERE / "preprocessing.json").read_text())
    labels = (HERE / "labels.txt").read_text().splitlines()
    network = Interpreter(model_path=str(HERE / "model.tflite"), num_threads=1)
    network.allocate_tensors()
    for name in names:
        with Image.open(name) as image:
            small = image.convert(how["mode"]).resize((how["width"], how["height"]), Image.Resampling.BILINEAR)
        pixels = np.asarray(small, dtype=np.float32).reshape(1, how["height"], how["width"], -1) / 255
        inputs = ((pixels - how["mean"]) / how["std"]).astype(np.float32)
        network.set_tensor(network.get_input_details()[0]["index"], inputs)
        network.invoke()
        scores = network.get_tensor(network.get_output_details()[0]["index"])[0]
        shares = np.exp(scores - scores.max())
        best = int(scores.argmax())
        print(f"{name}\t{labels[best]}\t{shares[best] / shares.sum():.4f}")


main(sys.argv[1:])
