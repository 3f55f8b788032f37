"""Published latency tables in small: made-up texts of every format an importer reads, for tests without real ones."""

from __future__ import annotations

import json

PROXYLESSNAS = """\
Conv-input:224x224x3-output:112x112x32:
  count: 949
  mean: 4.5
  var: 0.16
expanded_conv-input:112x112x32-output:112x112x16-expand:1-kernel:3-stride:1-idskip:0: {count: 310, mean: 4.0, var: 0.04}
expanded_conv-input:14x14x80-output:14x14x80-expand:3-kernel:5-stride:1-idskip:1: {count: 437, mean: 1.75}
Conv_1-input:7x7x320-output:7x7x1280: {mean: 6.25, std: .5}
Logits-input:7x7x1280-output:1000: {mean: 1e-1}
"""

OFA = """\
Conv-input:224x224x3-output:112x112x16: {count: 20, mean: 2.5, std: 0.04}
expanded_conv-input:112x112x16-output:112x112x16-expand:16-kernel:3-stride:1-idskip:1-se:0-hs:0: {mean: 1.0}
expanded_conv-input:56x56x32-output:56x56x32-expand:128-kernel:5-stride:1-idskip:1-se:1-hs:1: {mean: 1.75}
Conv_1-input:7x7x160-output:7x7x960: {mean: 3.0}
AvgPool2D-input:7x7x960-output:1x1x960: {mean: 0.25}
Conv_2-input:1x1x960-output:1x1x1280: {mean: 0.5}
Logits-input:1x1x1280-output:1000: {mean: 1.0}
"""

TUNAS_STAGE = (-4.25, 1.25, -1.0, 6.5, 2.25, 13.75)
TUNAS_SKIP = -6.0


def single_path() -> dict[str, dict[str, float]]:
    """Layer 0 and 21 as fast as the constant allows; the four of a stage alike."""
    layers = {str(i): {str(k): 2.0 + k + (i - 1) // 4 / 8 for k in range(4)} for i in range(22)}
    return {**layers, "0": dict.fromkeys("0123", 4.0)}


def tunas() -> dict[str, object]:
    """The same coefficients wherever a block comes again."""
    stage = [*TUNAS_STAGE, *(*TUNAS_STAGE, TUNAS_SKIP) * 3]
    return {"bias_ms": 150.0, "coefficients_ms": [-1.75, 2.25, 8.25, *stage * 5, *TUNAS_STAGE]}


def fbnet_csv() -> str:
    """One device, with a group convolution in each layer."""
    ops = {"k3_e1": 0.5, "k3_e1_g2": 0.75, "k3_e3": 1.25, "k3_e6": 2.5, "k5_e1": 1, "k5_e3": 2, "k5_e6": 4, "skip": 0}
    lines = [f"pi,{layer},{op},{ms}" for layer in range(22) for op, ms in ops.items()]
    return "\n".join(["device,layer,op,ms_minus_skip", *lines, "pi,-1,constant_all_skip,7.5"]) + "\n"


FBNET_JSON = json.dumps(
    {
        "raspi4_latency": {
            "ConvNorm_H32_W32_Cin3_Cout16_kernel3_stride1_group1": 1.5,
            "ConvBlock_H32_W32_Cin16_Cout16_exp6_kernel5_stride1_group1": 3.5,
            "ConvBlock_H32_W32_Cin16_Cout24_exp1_kernel3_stride1_group2": 0.75,
            "Skip_H32_W32_Cin16_Cout16_stride1": 0.01,
            "Skip_H32_W32_Cin24_Cout32_stride2": 0.25,
            "AvgP_H4_W4_Cin1504_Cout1504_kernel4_stride1": 0.125,
            "FC_Cin1504_Cout100": 0.5,
            "FC_Cin1984_Cout1000": 2.0,
        },
        "raspi4_energy": {},
    }
)

PLAIN = """block,ms,n,sd
conv-224x3-o16-k3-s2-relu6,4.25,30,0.125
ir-112x16-m96-o24-k3-s2-relu6,3.5,,
head-7x1280-o1000,0.75,10,0.5
"""

#: format -> a text of it
TEXTS: dict[str, str] = {
    "proxylessnas": PROXYLESSNAS,
    "ofa": OFA,
    "single-path": json.dumps(single_path()),
    "tunas": json.dumps(tunas()),
    "fbnet": fbnet_csv(),
    "plain": PLAIN,
}
