/// <summary>Garbage under stress: trees that live for a while, whose old nodes are given young ones, all counted again and again.</summary>
internal sealed class Forest(long seed)
{
    private readonly Node[] _trees = new Node[64];
    private readonly long[] _expected = new long[64];
    private long _random = seed;

    public long Survive(int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            int fresh = round % _trees.Length;
            _trees[fresh] = Tree(8);
            _expected[fresh] = Count(_trees[fresh]);
            for (int change = 0; change < 20; change++)
            {
                long chosen = Next() % Math.Min(round + 1, _trees.Length);
                Node node = _trees[chosen];
                for (long steps = Next() % 8; steps > 0; steps--)
                    node = Next() % 2 == 0 ? node.Left! : node.Right!;
                long value = Next();
                _expected[chosen] += value - (node.Extra?[^1] ?? 0);
                node.Extra = new long[1 + (value % 100)];
                Array.Fill(node.Extra, value);
            }

            if (round % 100 == 99)
            {
                if (round % 500 == 499)
                    GC.Collect();
                for (int i = 0; i < Math.Min(round + 1, _trees.Length); i++)
                {
                    if (Count(_trees[i]) != _expected[i])
                        throw new InvalidOperationException($"tree {i} is damaged in round {round}");
                }
            }
        }

        return _expected.Sum();
    }

    private static long Count(Node? node) => node is null ? 0 : node.Value + (node.Extra?[^1] ?? 0) + Count(node.Left) + Count(node.Right);

    private long Next() => _random = _random * 16807 % 2147483647;

    private Node Tree(int depth) => new()
    {
        Value = Next(),
        Left = depth > 0 ? Tree(depth - 1) : null,
        Right = depth > 0 ? Tree(depth - 1) : null,
    };

    private sealed class Node
    {
        public long Value { get; init; }

        public Node? Left { get; init; }

        public Node? Right { get; init; }

        public long[]? Extra { get; set; }
    }
}
