"""Strings, dictionaries, sorting and regular expressions over a text from a fixed seed."""
import random, collections, re
random.seed(7)
words = ["".join(random.choice("abcdefgh") for _ in range(random.randint(2, 7))) for _ in range(4000)]
text = " ".join(random.choice(words) for _ in range(600000))
count = collections.Counter(text.split())
index = collections.defaultdict(list)
for i, w in enumerate(text.split()):
    index[w[:2]].append(i)
parts = sorted(count.items(), key=lambda x: (-x[1], x[0]))[:500]
joined = ",".join("%s=%d" % p for p in parts)
print(len(count), len(index), hash(len(joined)), len(re.findall(r"[a-c]+d", text)))
