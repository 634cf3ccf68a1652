"""Three responses of five, three and one tokens with made-up figures, and what TRL 1.12 makes of them.

The expected numbers were computed by the statements of trl/experimental/ppo/ppo_trainer.py of TRL 1.12.0 themselves
(k1 estimator, kl_coef 0.1, lam 0.95, cliprange 0.2, cliprange_value 0.2, vf_coef 1) in float64, with the score put at
each response's last token, where TRL puts it one token later on rows that are shorter than the longest.
"""

import torch

MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]).bool()
SCORES = torch.tensor([1.5, -0.75, 2.0], dtype=torch.float64)
LOG_PROBS = torch.tensor(
    [[-1.0, -0.5, -2.0, -0.25, -1.5], [-0.7, -0.1, -3.0, 0, 0], [-2.2, 0, 0, 0, 0]], dtype=torch.float64
)
REFERENCE_LOG_PROBS = torch.tensor(
    [[-1.2, -0.4, -1.0, -0.50, -1.4], [-0.9, -0.3, -2.0, 0, 0], [-1.7, 0, 0, 0, 0]], dtype=torch.float64
)
VALUES = torch.tensor([[0.3, -0.2, 0.5, 0.1, 0.4], [0.6, 0.2, -0.1, 0, 0], [0.25, 0, 0, 0, 0]], dtype=torch.float64)
NEW_LOG_PROBS = LOG_PROBS + torch.tensor(
    [[0.1, -0.3, 0.25, 0.0, -0.05], [0.4, -0.15, 0.3, 0, 0], [-0.6, 0, 0, 0, 0]], dtype=torch.float64
)
NEW_VALUES = VALUES + torch.tensor(
    [[0.5, -0.1, -0.4, 0.3, 0.1], [-0.3, 0.25, 0.05, 0, 0], [0.7, 0, 0, 0, 0]], dtype=torch.float64
)

REWARDS = [[-0.02, 0.01, 0.1, -0.025, 1.51], [-0.02, -0.02, -0.65, 0, 0], [2.05, 0, 0, 0, 0]]
RETURNS = {
    1.0: [[1.3236300625, 1.42487375, 1.463025, 1.4295, 1.51], [-0.620375, -0.6425, -0.65, 0, 0], [2.05, 0, 0, 0, 0]],
    0.9: [
        [0.8777447293187497, 1.0605201512499998, 1.2023627499999998, 1.28405, 1.51],
        [-0.50711375, -0.58025, -0.65, 0, 0],
        [2.05, 0, 0, 0, 0],
    ],
}
WHITENED = {
    1.0: [
        [0.38904390859044785, 0.9187162889629811, 0.33565319799441984, 0.6585034659184787, 0.4651324752388119],
        [-1.5878375584975373, -1.2549443325154, -0.997263171814705, 0, 0],
        [1.0729957261225027, 0, 0, 0, 0],
    ],
    0.9: [
        [0.10824493175862947, 0.7718226652890525, 0.2293590507859514, 0.6975026355702425, 0.6255347093831227],
        [-1.5292401550118606, -1.2115668770477124, -0.9877908472761477, 0, 0],
        [1.296133886548723, 0, 0, 0, 0],
    ],
}
POLICY_LOSS, VALUE_LOSS, CLIP_FRACTION = 0.17687900424058198, 0.7201102624746009, 1 / 9
"""Means over the nine tokens, with gamma 1."""
