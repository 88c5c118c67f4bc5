"""Mean average precision as COCO defines it (IoU 0.50 to 0.95, 101 recall points, all sizes)."""
import numpy as np

THRESHOLDS = np.arange(0.5, 1.0, 0.05)


def box_iou(a, b):
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), 2)
    area = [np.prod(x[:, 2:] - x[:, :2], 1) for x in (a, b)]
    return shared / (area[0][:, None] + area[1][None] - shared + 1e-9)


def suppress(boxes, scores, kinds, threshold=0.65):
    """Indices that survive non-maximum suppression per class, best first."""
    order = np.argsort(-scores, kind="stable")
    iou = box_iou(boxes, boxes)
    kept = []
    for i in order:
        if all(kinds[i] != kinds[j] or iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return np.array(kept, int)


def average_precision(found, truth, classes):
    """found: per picture (boxes, scores, kinds); truth: per picture (boxes, kinds). Returns (AP50-95, AP50)."""
    per_class = []
    for kind in range(classes):
        scores, hits, total = [], [], 0
        for (boxes, score, kinds), (true_boxes, true_kinds) in zip(found, truth):
            wanted = true_boxes[true_kinds == kind]
            total += len(wanted)
            chosen = np.flatnonzero(kinds == kind)
            chosen = chosen[np.argsort(-score[chosen], kind="stable")][:100]
            iou = box_iou(boxes[chosen], wanted) if len(wanted) else np.zeros((len(chosen), 0))
            hit = np.zeros((len(chosen), len(THRESHOLDS)), bool)
            for t, threshold in enumerate(THRESHOLDS):
                taken = np.zeros(len(wanted), bool)
                for i in range(len(chosen)):
                    free = np.where(taken, -1.0, iou[i])
                    if len(free) and free.max() >= threshold:
                        taken[free.argmax()] = True
                        hit[i, t] = True
            scores.append(score[chosen])
            hits.append(hit)
        if total == 0:
            continue
        order = np.argsort(-np.concatenate(scores), kind="stable")
        right = np.cumsum(np.concatenate(hits)[order], 0)
        precision = right / np.arange(1, len(order) + 1)[:, None]
        precision = np.maximum.accumulate(precision[::-1], 0)[::-1]
        recall = right / total
        points = np.linspace(0, 1, 101)
        per_class.append(
            [
                np.mean([precision[i, t] if i < len(order) else 0.0 for i in np.searchsorted(recall[:, t], points)])
                for t in range(len(THRESHOLDS))
            ]
        )
    table = np.array(per_class)
    return float(table.mean()), float(table[:, 0].mean())
