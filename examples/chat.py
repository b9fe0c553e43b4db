"""A chat that asks for priority, as any application would write it: it knows no Tierscope.

Against the simulated service::

    tierscope simulate --port 8089 &
    export OPENAI_BASE_URL=http://127.0.0.1:8089/v1 OPENAI_API_KEY=simulated TIERSCOPE_TRUSTED_HOSTS=127.0.0.1=openai
    opentelemetry-instrument --traces_exporter console --metrics_exporter console python examples/chat.py
"""

from openai import OpenAI

with (
    OpenAI() as client,
    client.chat.completions.create(
        model="gpt-4.1",
        service_tier="priority",
        stream=True,
        stream_options={"include_usage": True},
        messages=[{"role": "user", "content": "Why do service tiers exist?"}],
    ) as stream,
):
    for chunk in stream:
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
print()
