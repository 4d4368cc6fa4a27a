"""Drives a teacher with DataDesigner: one structured column over all sections; run by an interpreter that has it.

python -P drive_data_designer.py URL SECTIONS.jsonl PAIRS.jsonl PARALLEL
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import data_designer.config as dd
import pandas as pd
from data_designer.interface import DataDesigner

PAIR = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["question", "answer"],
}
FORMAT = {
    "type": "object",
    "properties": {"pairs": {"type": "array", "items": PAIR, "minItems": 10, "maxItems": 10}},
    "required": ["pairs"],
}


def main() -> None:
    """Ask, and write what came."""
    url, source, target, parallel = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    sections = pd.read_json(source, lines=True)
    provider = dd.ModelProvider(name="stub", endpoint=url, provider_type="openai", api_key="none")
    settings = dd.ChatCompletionInferenceParams(max_parallel_requests=parallel, max_tokens=1024, temperature=0.0)
    model = dd.ModelConfig(
        alias="teacher", model="stub", provider="stub", inference_parameters=settings, skip_health_check=True
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(dd.DataFrameSeedSource(df=sections))
    builder.add_column(
        dd.LLMStructuredColumnConfig(
            name="answer",
            model_alias="teacher",
            prompt="Write 10 question-answer pairs about this text.\n\n{{ text }}",
            output_format=FORMAT,
        )
    )
    designer = DataDesigner(artifact_path=target.with_suffix(".artifacts"), model_providers=[provider])
    designer.set_run_config(dd.RunConfig(otel_metrics_port=None))
    rows = designer.create(builder, num_records=len(sections)).load_dataset()
    with target.open("w", encoding="utf-8") as file:
        for number, answer in zip(rows["number"], rows["answer"], strict=True):
            for pair in answer["pairs"]:
                file.write(json.dumps({"section": int(number), **pair}) + "\n")


if __name__ == "__main__":
    main()
