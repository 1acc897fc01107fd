using System.Diagnostics.CodeAnalysis;

namespace Vitrine.Abi;

/// <summary>
/// Marks a type whose values must not be dropped: an expression statement of such a type is a build error
/// (analyzer VT0001). Assign to the discard <c>_</c> where dropping is meant, with a reason.
/// </summary>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Class)]
internal sealed class MustUseAttribute : Attribute;

/// <summary>A value or the errno that explains its absence.</summary>
[MustUse]
internal readonly struct Result<T>
{
    private readonly T? _value;

    private Result(T? value, Errno error)
    {
        _value = value;
        Error = error;
    }

    /// <summary><see cref="Errno.Success"/> when there is a value.</summary>
    public Errno Error { get; }

    public bool Ok => Error == Errno.Success;

    /// <summary>The value. Only when <see cref="Ok"/>.</summary>
    public T Value => Error == Errno.Success ? _value! : throw new InvalidOperationException("value of a failed result: " + Error);

    /// <summary>False and the errno, or true and the value.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T value, out Errno error)
    {
        value = _value;
        error = Error;
        return Error == Errno.Success;
    }

    public static implicit operator Result<T>(T value) => new(value, Errno.Success);

    public static implicit operator Result<T>(Errno error) =>
        error == Errno.Success ? throw new InvalidOperationException("a failure needs an errno") : new(default, error);
}

/// <summary>What a syscall puts into RAX: a value, or a negated errno.</summary>
[MustUse]
internal readonly record struct SyscallResult(long Value)
{
    public const long MaxErrno = 4095;

    public static SyscallResult Success => new(0);

    public bool IsError => Value is < 0 and >= -MaxErrno;

    public Errno Error => IsError ? (Errno)(-Value) : Errno.Success;

    public static implicit operator SyscallResult(Errno error) => new(-(long)error);

    public static implicit operator SyscallResult(long value) => new(value);

    public static implicit operator SyscallResult(int value) => new(value);

    public static implicit operator SyscallResult(uint value) => new(value);

    public static implicit operator SyscallResult(ulong value) => new((long)value);
}
