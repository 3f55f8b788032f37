"""Classify images with one of the models in the folder of this file.

python predict.py IMAGE...
python predict.py --model model-int8.tflite IMAGE...

With one image it prints the five most probable classes, one line each; with several, one line for each image; --top N
prints N lines for each. A line is: file name, class, probability, separated by tabs.

An image may also be an .npy file of levels 0..255, uint8 (height, width) or (height, width, channels).

A .tflite file needs ai-edge-litert or tflite-runtime, an .onnx file onnxruntime; both numpy and pillow. HEIC images
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
    """Return the image as input of the network, float32 (1, height, width, channels)."""
    import numpy as np

    try:
        levels = array(name, how) if name.endswith(".npy") else decoded(name, how)
    except FileNotFoundError:
        raise SystemExit(f"{name}: there is no such file; give the path of an image") from None
    except (OSError, ValueError) as error:
        raise SystemExit(f"{name}: not an image that can be read: {error}") from None
    levels = np.asarray(levels, np.float32).reshape(1, how["height"], how["width"], -1)
    return (levels - np.float32(how["mean"])) / np.float32(how["deviation"])


def array(name: str, how: dict[str, Any]) -> Any:
    """Return levels (height, width, channels) of an .npy file, of the size of the network's input."""
    import numpy as np
    from PIL import Image

    levels = np.load(name, allow_pickle=False)
    channels = levels.shape[2] if levels.ndim == 3 else 1
    if levels.dtype != np.uint8 or levels.ndim not in (2, 3):
        raise SystemExit(f"{name} is {levels.dtype}{levels.shape}, not uint8 (height, width, channels)")
    if how["mode"] == "planes":
        if channels != len(how["mean"]):
            raise SystemExit(f"{name} has {channels} channels, the network takes {len(how['mean'])}")
        planes = [fitted(Image.fromarray(np.ascontiguousarray(levels[..., i])), how) for i in range(channels)]
        return np.stack([np.asarray(plane) for plane in planes], axis=2)
    if channels not in (1, 3, 4):
        raise SystemExit(f"{name} has {channels} channels, the network takes {len(how['mean'])}")
    return prepared(Image.fromarray(levels[..., 0] if channels == 1 and levels.ndim == 3 else levels), how)


def decoded(name: str, how: dict[str, Any]) -> Any:
    """Return levels (height, width, channels) of an image, of the size of the network's input."""
    from PIL import Image, ImageOps

    if how["mode"] == "planes":
        raise SystemExit(f"the network takes {len(how['mean'])} channels: give an .npy file in place of {name}")

    with suppress(ImportError):
        import pillow_heif  # HEIC images of phones, where it is installed

        pillow_heif.register_heif_opener()
    with Image.open(name) as opened:
        return prepared(ImageOps.exif_transpose(opened), how)


def prepared(image: Any, how: dict[str, Any]) -> Any:
    """Return an image with the colours and the size of the network's input; transparent pixels become white."""
    import numpy as np
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits a pixel
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return fitted(image.convert(how["mode"]), how)


def fitted(image: Any, how: dict[str, Any]) -> Any:
    """Return an image scaled until it covers the network's input, and cut at the centre."""
    from PIL import Image, ImageOps

    size = how["width"], how["height"]
    return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.BICUBIC)


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
    """Print a line for each of the most probable classes: file name, class, and its softmax probability."""
    import numpy as np

    parser = argparse.ArgumentParser(description="Classify images: prints file name, class and probability of each.")
    parser.add_argument("--model", default="model.tflite", help="file name of a model in the folder of this program")
    parser.add_argument("--top", type=int, metavar="N", help="classes to print of each image")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    args = parser.parse_args()
    how = json.loads((HERE / "preprocessing.json").read_bytes())
    labels = (HERE / "labels.txt").read_bytes().decode("utf-8").split("\n")  # a name may hold what splitlines splits at
    out: Any = sys.stdout
    out.reconfigure(encoding="utf-8", errors="surrogateescape")  # names of classes and of files as they are
    run = (litert if args.model.endswith(".tflite") else onnx)(HERE / args.model)
    stored = how["stored"].get(args.model)  # quantization of a model with 8-bit input and output; None for others
    for name in args.images:
        pixels = picture(name, how)
        if stored:
            to, limits = stored["input"], np.iinfo(stored["input"]["dtype"])
            pixels = np.clip(np.rint(pixels / np.float32(to["scale"])) + to["zero"], limits.min, limits.max)
            pixels = pixels.astype(to["dtype"])
        scores = run(pixels)
        if stored:
            scores = (np.float32(scores) - stored["output"]["zero"]) * stored["output"]["scale"]
        shares = np.exp(scores - scores.max())
        for best in np.argsort(-shares, kind="stable")[: args.top or (5 if len(args.images) == 1 else 1)]:
            print(f"{name}\t{labels[best]}\t{shares[best] / shares.sum():.4f}")


main()
