"""JSON written and read back, from a fixed seed."""
import json, random
random.seed(9)
doc = [{"id": i, "name": "n%d" % random.randrange(10**6), "v": [random.random() for _ in range(8)], "t": {"a": None, "b": True, "c": "x\u00e9\n" * 3}} for i in range(3000)]
for _ in range(16):
    s = json.dumps(doc); doc = json.loads(s)
print(len(s), sum(x["id"] for x in doc))
