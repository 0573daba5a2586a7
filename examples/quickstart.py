# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The shortest way through the package: build a model, compile it, run it, keep it."""

import lowbit
import numpy as np
from lowbit.models import bit

config = bit.PRESETS["tiny"].with_bits(1, 1)
parameters = bit.BiTParameters.random(config, seed=0)
bit.save_model(bit.build_model(parameters), "bit.onnx")

model = lowbit.compile("bit.onnx", target="native", threads=1)
ids = np.random.default_rng(0).integers(0, config.vocab_size, (2, 16))
feeds = {"input_ids": ids, "token_type_ids": ids * 0, "attention_mask": ids * 0 + 1}
logits = model.run(feeds)["logits"]
model.save("bit.so")

expected = bit.BiTReference(parameters).run(**feeds).outputs["logits"]
print(model)
print("largest difference from the exact-integer reference:", np.abs(logits - expected).max())
