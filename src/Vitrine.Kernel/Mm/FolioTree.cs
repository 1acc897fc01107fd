using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// Frame numbers by page index: a radix tree of 64-way nodes that grows upwards as needed (the xarray's twin), each
/// node with a bitmap of what it holds, so that walking a sparse range is quick. 0 means nothing there.
/// </summary>
internal sealed class FolioTree
{
    private const int Bits = 6;
    private const int Fanout = 1 << Bits;

    private Node? _root;
    private Leaf? _recent;
    private ulong _recentBase;

    /// <summary>Bits of index that the root covers.</summary>
    private int _shift = Bits;

    public long Count { get; private set; }

    public uint this[ulong index]
    {
        get
        {
            Leaf? leaf = FindLeaf(index);
            return leaf is null ? 0 : leaf.Frames[(int)index & (Fanout - 1)];
        }
    }

    /// <summary>Fills an empty place.</summary>
    public void Add(ulong index, uint frame)
    {
        Leaf leaf = MakeLeaf(index);
        int slot = (int)index & (Fanout - 1);
        if (leaf.Frames[slot] != 0)
            throw new InvalidOperationException($"page {index} is in the page cache already");
        leaf.Frames[slot] = frame;
        leaf.Used |= 1UL << slot;
        Count++;
    }

    /// <summary>Empties a place; what was there.</summary>
    public uint Remove(ulong index)
    {
        Leaf? leaf = FindLeaf(index);
        if (leaf is null)
            return 0;
        int slot = (int)index & (Fanout - 1);
        uint frame = leaf.Frames[slot];
        if (frame == 0)
            return 0;
        leaf.Frames[slot] = 0;
        leaf.Used &= ~(1UL << slot);
        Count--;
        if (leaf.Used == 0)
            Prune(index);
        return frame;
    }

    /// <summary>The first used place at or after an index; false if there is none.</summary>
    public bool Next(ref ulong index, out uint frame)
    {
        frame = 0;
        if (_root is null || index >> (_shift - 1) >> 1 != 0)
            return false;
        return NextIn(_root, _shift, 0, ref index, out frame);
    }

    private static bool NextIn(Node node, int shift, ulong origin, ref ulong index, out uint frame)
    {
        int childShift = shift - Bits;
        int slot = index <= origin ? 0 : (int)((index - origin) >> childShift);
        while (slot < Fanout)
        {
            ulong rest = node.Used & (ulong.MaxValue << slot);
            if (rest == 0)
                break;
            slot = BitOperations.TrailingZeroCount(rest);
            ulong at = origin + ((ulong)slot << childShift);
            if (node is Leaf leaf)
            {
                index = at;
                frame = leaf.Frames[slot];
                return true;
            }

            if (NextIn(((Branch)node).Children[slot]!, childShift, at, ref index, out frame))
                return true;
            slot++;
        }

        frame = 0;
        return false;
    }

    private Leaf? FindLeaf(ulong index)
    {
        ulong origin = index & ~(ulong)(Fanout - 1);
        if (_recent is { } recent && _recentBase == origin)
            return recent;
        if (index >> (_shift - 1) >> 1 != 0)
            return null;
        Node? node = _root;
        for (int shift = _shift - Bits; shift > 0 && node is not null; shift -= Bits)
            node = ((Branch)node).Children[(int)(index >> shift) & (Fanout - 1)];
        if (node is null)
            return null;
        _recent = (Leaf)node;
        _recentBase = origin;
        return _recent;
    }

    private Leaf MakeLeaf(ulong index)
    {
        if (FindLeaf(index) is { } found)
            return found;
        while (index >> (_shift - 1) >> 1 != 0)
        {
            if (_root is not null)
            {
                var above = new Branch { Used = 1 };
                above.Children[0] = _root;
                _root = above;
            }

            _shift += Bits;
        }

        _root ??= _shift == Bits ? new Leaf() : new Branch();
        Node node = _root;
        for (int shift = _shift - Bits; shift > 0; shift -= Bits)
        {
            var branch = (Branch)node;
            int slot = (int)(index >> shift) & (Fanout - 1);
            branch.Children[slot] ??= shift == Bits ? new Leaf() : new Branch();
            branch.Used |= 1UL << slot;
            node = branch.Children[slot]!;
        }

        _recent = (Leaf)node;
        _recentBase = index & ~(ulong)(Fanout - 1);
        return _recent;
    }

    /// <summary>Takes out the empty leaf of an index and the branches that become empty with it.</summary>
    private void Prune(ulong index)
    {
        _recent = null;
        if (PruneIn(_root!, _shift - Bits, index))
        {
            _root = null;
            _shift = Bits;
        }
    }

    private static bool PruneIn(Node node, int shift, ulong index)
    {
        if (node is Branch branch)
        {
            int slot = (int)(index >> shift) & (Fanout - 1);
            if (PruneIn(branch.Children[slot]!, shift - Bits, index))
            {
                branch.Children[slot] = null;
                branch.Used &= ~(1UL << slot);
            }
        }

        return node.Used == 0;
    }

    private abstract class Node
    {
        public ulong Used;
    }

    private sealed class Leaf : Node
    {
        public LeafFrames Frames;
    }

    private sealed class Branch : Node
    {
        public BranchChildren Children;
    }

    [InlineArray(Fanout)]
    private struct LeafFrames
    {
        private uint _first;
    }

    [InlineArray(Fanout)]
    private struct BranchChildren
    {
        private Node? _first;
    }
}
