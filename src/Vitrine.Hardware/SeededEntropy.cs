using System.Buffers.Binary;
using System.Numerics;

namespace Vitrine.Hardware;

/// <summary>
/// The entropy source of deterministic mode: ChaCha20 (RFC 8439, 2.3) as a generator, keyed by the seed, so that it is as
/// good as the host's for any test of chance and the same everywhere. Bytes are given out in the order in which they are asked for.
/// </summary>
internal sealed class SeededEntropy : IEntropyDevice
{
    private const int BlockBytes = 64;

    private readonly uint[] _state = new uint[16];
    private readonly byte[] _block = new byte[BlockBytes];
    private int _used = BlockBytes;

    public SeededEntropy(ulong seed)
    {
        ReadOnlySpan<uint> constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
        constants.CopyTo(_state);
        for (int i = 4; i < 12; i += 2)
        {
            ulong word = NextKeyWord(ref seed);
            _state[i] = (uint)word;
            _state[i + 1] = (uint)(word >> 32);
        }
    }

    public void Fill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            if (_used == BlockBytes)
                MakeBlock();
            int count = Math.Min(destination.Length, BlockBytes - _used);
            _block.AsSpan(_used, count).CopyTo(destination);
            destination = destination[count..];
            _used += count;
        }
    }

    /// <summary>SplitMix64 (Steele, Lea, Flood 2014): spreads a seed over the key.</summary>
    private static ulong NextKeyWord(ref ulong seed)
    {
        seed += 0x9e3779b97f4a7c15;
        ulong z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>The block function of RFC 8439, 2.3: 64 bytes from a state of constants, key, counter and nonce.</summary>
    internal static void Block(ReadOnlySpan<uint> state, Span<byte> block)
    {
        Span<uint> x = stackalloc uint[16];
        state.CopyTo(x);
        for (int round = 0; round < 10; round++)
        {
            Quarter(x, 0, 4, 8, 12);
            Quarter(x, 1, 5, 9, 13);
            Quarter(x, 2, 6, 10, 14);
            Quarter(x, 3, 7, 11, 15);
            Quarter(x, 0, 5, 10, 15);
            Quarter(x, 1, 6, 11, 12);
            Quarter(x, 2, 7, 8, 13);
            Quarter(x, 3, 4, 9, 14);
        }

        for (int i = 0; i < 16; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(block[(i * 4)..], x[i] + state[i]);
    }

    private void MakeBlock()
    {
        Block(_state, _block);
        _used = 0;

        // The counter takes the nonce's words too: there is only one stream.
        for (int i = 12; i < 16 && ++_state[i] == 0; i++)
        {
        }
    }

    private static void Quarter(Span<uint> x, int a, int b, int c, int d)
    {
        x[a] += x[b];
        x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 16);
        x[c] += x[d];
        x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 12);
        x[a] += x[b];
        x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 8);
        x[c] += x[d];
        x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 7);
    }
}
