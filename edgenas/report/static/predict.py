"""Classify pictures with one of the models in the folder of this file.

python predict.py PICTURE...
python predict.py --model model-int8.tflite PICTURE...

A .tflite file needs ai-edge-litert or tflite-runtime, an .onnx file onnxruntime; both numpy and pillow. HEIC pictures
need pillow-heif. Output is UTF-8.
"""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
Run = Callable[[Any], Any]


def picture(name: str, how: dict[str, Any]) -> Any:
    """Return the picture as input of the network, float32 (1, height, width, channels)."""
    import numpy as np
    from PIL import Image, ImageOps

    with suppress(ImportError):
        import pillow_heif  # HEIC pictures of phones, where it is installed

        pillow_heif.register_heif_opener()
    with Image.open(name) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # 16 bits a pixel
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert(how["mode"])
        if image.size != (how["width"], how["height"]):
            image = ImageOps.fit(image, (how["width"], how["height"]), Image.Resampling.BICUBIC)
    levels = np.asarray(image, np.float32).reshape(1, how["height"], how["width"], -1)
    return (levels - np.float32(how["mean"])) / np.float32(how["deviation"])


def litert(path: Path) -> Run:
    """Return a function from an input to scores, run by LiteRT."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        try:
            from tflite_runtime.interpreter import Interpreter  # type: ignore[import-not-found,no-redef,unused-ignore]
        except ImportError:
            raise error from None  # the older package is not asked for

    network = Interpreter(model_path=str(path), num_threads=1)
    network.allocate_tensors()

    def run(pixels: Any) -> Any:
        network.set_tensor(network.get_input_details()[0]["index"], pixels)
        network.invoke()
        return network.get_tensor(network.get_output_details()[0]["index"])[0]

    return run


def onnx(path: Path) -> Run:
    """Return a function from an input to scores, run by ONNX Runtime."""
    import onnxruntime

    network = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: network.run(None, {network.get_inputs()[0].name: pixels.transpose(0, 3, 1, 2)})[0][0]


def main() -> None:
    """Print one line per picture: file name, class, and the softmax probability of that class."""
    import numpy as np

    parser = argparse.ArgumentParser(description="Classify pictures: prints file name, class and probability of each.")
    parser.add_argument("--model", default="model.tflite", help="file name of a model in the folder of this program")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE")
    args = parser.parse_args()
    how = json.loads((HERE / "preprocessing.json").read_bytes())
    labels = (HERE / "labels.txt").read_bytes().decode("utf-8").split("\n")  # a name may hold what splitlines splits at
    out: Any = sys.stdout
    out.reconfigure(encoding="utf-8", errors="surrogateescape")  # names of classes and of files as they are
    run = (litert if args.model.endswith(".tflite") else onnx)(HERE / args.model)
    stored = how["stored"].get(args.model)  # quantization of a model with 8-bit input and output; None for others
    for name in args.pictures:
        pixels = picture(name, how)
        if stored:
            to, limits = stored["input"], np.iinfo(stored["input"]["dtype"])
            pixels = np.clip(np.rint(pixels / np.float32(to["scale"])) + to["zero"], limits.min, limits.max)
            pixels = pixels.astype(to["dtype"])
        scores = run(pixels)
        if stored:
            scores = (np.float32(scores) - stored["output"]["zero"]) * stored["output"]["scale"]
        shares = np.exp(scores - scores.max())
        best = int(scores.argmax())
        print(f"{name}\t{labels[best]}\t{shares[best] / shares.sum():.4f}")


main()
